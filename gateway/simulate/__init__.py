"""The simulator: the gateway's own plan, attempt machine and live ledger, on a virtual clock and modelled replicas."""
