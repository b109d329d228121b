"""Google's dialect: generateContent and embeddings, of the Gemini API and of Vertex AI."""
