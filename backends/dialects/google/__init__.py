"""Google's generateContent and embeddings, for the Gemini API and Vertex AI."""
