"""The words the rooms share: frozen data types, failures, signal kinds, and hashing."""
