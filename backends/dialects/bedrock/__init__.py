"""AWS Bedrock's runtime: Converse, ConverseStream, and InvokeModel for embeddings."""
