"""What the simulator is worth. Rule: the same requests played for real and in virtual time, side by side."""
