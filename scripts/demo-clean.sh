#!/bin/sh
# Takes away all that the demo made, and nothing else: its containers, networks and images by their label, and the shop's
# image, which relbuild has labelled as any other, by the name the demo gives it. The engine and the base images stay:
# they belong to the machine.
set -eu

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

main() {
    engine_answers || no_engine "no Docker Engine answers, so nothing can be taken away"
    ours=label=io.relbuild.demo=1
    shop=relbuild-demo-shop
    for container in $(docker container ls --all --quiet --filter "$ours"); do
        docker container rm --force --volumes "$container" >/dev/null
    done
    for network in $(docker network ls --quiet --filter "$ours"); do
        docker network rm "$network" >/dev/null
    done
    for image in $(docker image ls --all --quiet --filter "$ours") $(docker image ls --format '{{.Repository}}:{{.Tag}}' "$shop"); do
        docker image rm --force "$image" >/dev/null
    done
    say "all that the demo made is gone"
}

main
