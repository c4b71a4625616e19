"""Makes documents searchable: chunks.embedded -> points in the vector store -> docs.indexed. Owns the index generations."""
