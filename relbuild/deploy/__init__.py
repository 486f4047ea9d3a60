"""What a deployment is: a target and an image become what should run, as Compose, a stack, or Kubernetes manifests."""
