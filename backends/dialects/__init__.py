"""The APIs that providers speak, one folder per vendor."""
