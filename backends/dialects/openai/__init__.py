"""OpenAI's APIs, and the providers that speak them with differences."""
