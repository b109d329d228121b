"""The contract of backends: adapters, dialects, transports, and the formats they exchange."""
