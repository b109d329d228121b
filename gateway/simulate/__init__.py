"""The simulator: the gateway's own plan, attempt machine and live state, on a virtual clock over modelled upstreams."""
