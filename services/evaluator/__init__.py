"""Takes evaluation requests: eval.requested -> a stored, validated run."""
