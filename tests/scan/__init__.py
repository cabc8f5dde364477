"""`make scan`: kube-score and checkov over the manifests and over what the operator creates."""
