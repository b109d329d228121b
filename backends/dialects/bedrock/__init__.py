"""AWS Bedrock Runtime: Converse, ConverseStream, and InvokeModel for embeddings."""
