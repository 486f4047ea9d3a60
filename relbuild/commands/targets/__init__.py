"""A deployment's steps at each kind of engine: one Docker host, Docker Swarm, Kubernetes."""
