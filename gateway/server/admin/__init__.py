"""The admin port: probes, metrics, the console, and the admin API, in Litestar."""
