# The builder image of both: Elixir from Debian's packages (1.20, which compiles dependencies in several processes), and
# Hex that knows the loopback repository.
FROM debian:forky-slim AS elixir
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends elixir erlang-dev erlang-hex rebar3 git ca-certificates build-essential esbuild && rm -rf /var/lib/apt/lists/*
ENV LANG=C.UTF-8

FROM elixir AS builder
ARG HEX_URL
COPY public_key /hexpm.pem
RUN mix hex.repo remove hexpm \
 && mix hex.repo add hexpm "$HEX_URL" --public-key /hexpm.pem \
 && mix local.rebar --force rebar3 /usr/bin/rebar3
