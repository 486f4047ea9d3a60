# The opponent: the stages and steps of the Dockerfile that Phoenix generates (mix phx.gen.release --docker).
ARG BUILDER_IMAGE
FROM ${BUILDER_IMAGE} AS builder
WORKDIR /app
RUN mix local.hex --force --if-missing \
 && mix local.rebar --force --if-missing
ENV MIX_ENV=prod

COPY mix.exs mix.lock ./
RUN mix deps.get --only prod
RUN mkdir config
COPY config/config.exs config/prod.exs config/
RUN mix deps.compile
RUN mix assets.setup

COPY priv priv
COPY lib lib
RUN mix compile

COPY assets assets
RUN mix assets.deploy

COPY config/runtime.exs config/
COPY rel rel
RUN mix release

FROM debian:forky-slim
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libstdc++6 openssl libncurses6 locales ca-certificates \
 && rm -rf /var/lib/apt/lists/*
RUN sed -i '/en_US.UTF-8/s/^# //g' /etc/locale.gen \
 && locale-gen
ENV LANG=en_US.UTF-8 \
    LANGUAGE=en_US:en \
    LC_ALL=en_US.UTF-8
WORKDIR /app
RUN chown nobody /app
ENV MIX_ENV=prod
COPY --from=builder --chown=nobody:root /app/_build/prod/rel/store ./
USER nobody
CMD ["/app/bin/server"]
