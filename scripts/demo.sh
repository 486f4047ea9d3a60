#!/usr/bin/env bash
# The demo, which `make demo` runs when the machine is set up: examples/shop becomes an image, migrates a real PostgreSQL,
# serves its products, and stops. Can be run again and again, also after it was cut off; demo-clean.sh takes all away.
set -eu

cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"

label=io.relbuild.demo=1
network=relbuild-demo
database=relbuild-demo-postgres
app=relbuild-demo-shop
image=relbuild-demo-shop:0.1.0
update=relbuild-demo-shop:0.2.0
swarm_network=relbuild-demo-swarm
load=relbuild-demo-load
# Only containers on the demo's own network reach this database.
export DATABASE_URL="postgres://shop:demo@$database:5432/shop"

main() {
    trap explain EXIT
    remove_leftovers

    title "A Mix project becomes an image"
    run relbuild image -C examples/shop -t "$image"
    run relbuild version "$image"

    title "A PostgreSQL to migrate, on a network of the demo's own"
    run docker network create --label "$label" "$network"
    run docker build --quiet --label "$label" --tag "$database" scripts/images/postgres
    run docker run --detach --label "$label" --name "$database" --network "$network" --tmpfs /data \
        --env POSTGRES_USER=shop --env POSTGRES_PASSWORD=demo "$database"
    wait_for "$database" docker exec "$database" pg_isready --quiet --host 127.0.0.1

    title "The image migrates it: it carries its own migrate command"
    run relbuild migrate "$image" --env DATABASE_URL --network "$network"
    run docker exec "$database" psql --username shop --command "SELECT * FROM schema_migrations"

    title "The image serves"
    run relbuild run "$image" --env DATABASE_URL --network "$network" --name "$app" --publish 127.0.0.1::4000 --detach \
        -- --label "$label"
    url="http://$(docker port "$app" 4000/tcp)"
    wait_for "$app" get "$url/health"
    printf '\nGET %s\n' "$url/health"
    get "$url/health"
    printf '\nGET %s\n' "$url/products"
    get "$url/products"

    title "It stops when it is told to"
    stop_cleanly

    title "A swarm to deploy to: this machine"
    start_swarm
    run docker network create --driver overlay --attachable --label "$label" "$swarm_network"
    run docker network connect "$swarm_network" "$database"
    run relbuild deploy demo --config scripts/demo/relbuild.yml --image "$image"

    title "An update and a rollback while requests come in: none fails"
    build_update
    start_load
    run relbuild deploy demo --config scripts/demo/relbuild.yml --image "$update"
    run relbuild status demo --config scripts/demo/relbuild.yml
    run relbuild rollback demo --config scripts/demo/relbuild.yml
    stop_load
    run relbuild history demo --config scripts/demo/relbuild.yml

    trap - EXIT
    what_next
}

# Removes what an earlier demo left; the build cache stays, so that this one is quick.
remove_leftovers() {
    scripts/demo-clean.sh 2>/dev/null
}

title() {
    printf '\n== %s\n' "$*"
}

# Shows the command as one could type it, and runs it.
run() {
    local shown="" word
    for word; do
        case $word in
        *[!A-Za-z0-9_./:=@-]*) shown+=" '$word'" ;;
        *) shown+=" $word" ;;
        esac
    done
    printf '\n$%s\n' "$shown"
    "$@"
}

# Prints the body of an answer, JSON made readable; fails unless the answer is a success.
get() {
    python - "$1" <<'END'
import json, sys, urllib.request

try:
    with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
        print(json.dumps(json.load(answer), indent=2))
except OSError as error:
    sys.exit(f"{sys.argv[1]}: {error}")
END
}

# Returns when the command succeeds; fails when the container $1 ends, and after half a minute.
wait_for() {
    local container=$1 end=$((SECONDS + 30))
    shift
    until "$@" >/dev/null 2>&1; do
        if [ "$(docker inspect --format '{{.State.Running}}' "$container")" = false ] || [ "$SECONDS" -ge "$end" ]; then
            echo "$container did not come up" >&2
            return 1
        fi
        sleep 0.2
    done
}

# Stops the app as an orchestrator does, and fails unless it leaves by itself, with exit code 0.
stop_cleanly() {
    local before after code
    before=$(now)
    run docker stop "$app"
    after=$(now)
    code=$(docker inspect --format '{{.State.ExitCode}}' "$app")
    printf 'stopped in %d.%03d s with exit code %d\n' $(((after - before) / 1000)) $(((after - before) % 1000)) "$code"
    [ "$code" -eq 0 ]
}

# A machine that is in a swarm already stays in it; the label tells demo-clean.sh whose the swarm is.
start_swarm() {
    if [ "$(docker info --format '{{.Swarm.LocalNodeState}}')" = inactive ]; then
        run docker swarm init --advertise-addr 127.0.0.1
        docker node update --label-add "$label" "$(docker info --format '{{.Swarm.NodeID}}')" >/dev/null
    fi
}

# Builds the shop's next version, from a copy.
build_update() {
    local copy
    copy=$(mktemp -d)
    cp -R examples/shop/. "$copy"
    sed -i 's/version: "0.1.0"/version: "0.2.0"/' "$copy/mix.exs"
    run relbuild image -C "$copy" -t "$update"
    rm -r "$copy"
}

start_load() {
    docker run --detach --label "$label" --name "$load" --network "$swarm_network" \
        --volume "$PWD/scripts/demo/load.sh:/load.sh:ro" debian:trixie-slim /load.sh relbuild-demo_web >/dev/null
    wait_for "$load" sh -c "docker logs $load | grep answered"
}

# Counts the requests, and fails when one of them failed.
stop_load() {
    local answered failed
    docker stop "$load" >/dev/null
    answered=$(docker logs "$load" | grep -c answered)
    failed=$(docker logs "$load" | grep -c failed || true)
    printf '\n%d requests were answered, %d failed\n' "$answered" "$failed"
    [ "$failed" -eq 0 ]
}

# Milliseconds since some moment.
now() {
    python -c 'import time; print(time.monotonic_ns() // 1_000_000)'
}

# Runs when the demo ends before its end, with what the last container said.
explain() {
    local code=$?
    {
        printf '\nThe demo did not come to its end (exit code %d).\n' "$code"
        for container in "$app" "$database"; do
            docker container inspect "$container" >/dev/null 2>&1 || continue
            printf 'The last lines of %s:\n' "$container"
            docker logs --tail 20 "$container"
            break
        done
    } >&2
    exit "$code"
}

what_next() {
    title "What to type next"
    cat <<END

The images, the database and the deployment are still there. In this shell:

  source .venv/bin/activate
  export DATABASE_URL=$DATABASE_URL
  relbuild plan -C examples/shop                     # what was found, what is built, and why
  relbuild dockerfile -C examples/shop               # the Dockerfile it was built with
  relbuild eval 'Shop.Release.status()' --on image:$image --env DATABASE_URL --network $network
  relbuild status demo --config scripts/demo/relbuild.yml
  docker start $app
  relbuild rpc 'IO.inspect(Shop.Products.list())' --on container:$app   # a moment later, when it has booted

In a Mix project of your own:

  relbuild image

Remove what the demo made:

  make demo-clean
END
}

main
