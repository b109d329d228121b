"""The chaos soak: many clients, engines that die at random, and an account of every request and token."""
