"""The configuration compiled into what requests are decided by: models, policies, routes, adapters, prices, keys."""
