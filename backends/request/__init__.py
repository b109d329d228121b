"""What a request body says: features, prompt text, cache blocks, token counts."""
