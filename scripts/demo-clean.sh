#!/bin/sh
# Removes all that the demo made, and nothing else: its deployment by its name, the swarm, containers, networks and images
# by their label, and the shop's images, which relbuild has labelled as any other, by the name the demo gives them. The
# engine and the base images stay: they belong to the machine.
set -eu

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

main() {
    engine_answers || no_engine "no Docker Engine answers, so nothing can be removed"
    ours=label=io.relbuild.demo=1
    shop=relbuild-demo-shop
    if [ "$(docker info --format '{{.Swarm.ControlAvailable}}')" = true ]; then
        undeploy
    fi
    for container in $(docker container ls --all --quiet --filter "$ours"); do
        docker container rm --force --volumes "$container" >/dev/null
    done
    for network in $(docker network ls --quiet --filter "$ours"); do
        docker network rm "$network" >/dev/null
    done
    if [ "$(docker info --format '{{.Swarm.ControlAvailable}}')" = true ]; then
        leave_swarm
    fi
    for image in $(docker image ls --all --quiet --filter "$ours") $(docker image ls --format '{{.Repository}}:{{.Tag}}' "$shop"); do
        docker image rm --force "$image" >/dev/null
    done
    say "all that the demo made is gone"
}

# Removes the deployment of the target `demo`, and returns when its containers have ended.
undeploy() {
    deployment=label=io.relbuild.deployment=relbuild-demo
    for kind in service secret config; do
        for each in $(docker "$kind" ls --quiet --filter "$deployment"); do
            docker "$kind" rm "$each" >/dev/null
        done
    done
    while [ -n "$(docker container ls --all --quiet --filter label=com.docker.stack.namespace=relbuild-demo)" ]; do
        sleep 0.2
    done
    for network in $(docker network ls --quiet --filter label=com.docker.stack.namespace=relbuild-demo); do
        docker network rm "$network" >/dev/null
    done
}

# Leaves the swarm that the demo began; one that was there before stays.
leave_swarm() {
    if [ "$(docker node inspect self --format '{{index .Spec.Labels "io.relbuild.demo"}}')" = 1 ]; then
        docker swarm leave --force >/dev/null
        docker network rm docker_gwbridge >/dev/null
    fi
}

main
