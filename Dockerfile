# The host as a service, from the repository's root:
#
#   docker build -t flinks-host .
#   docker run --rm -p 127.0.0.1:4200:4200 -v flinks-host:/data --env-file host.env --stop-timeout 35 flinks-host
#
# docs/service.md has the settings for host.env. With DATABASE_URL=postgres://… nothing is written to /data.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --locked --profile server -p flinks-host && cp target/server/flinks-host /usr/local/bin/

FROM debian:bookworm-slim
# Flinks is called over https, which needs root certificates.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
# Numbers, because an orchestrator that wants a user who is not root looks for one.
RUN install --directory --owner=10001 --group=10001 /data
COPY --from=build /usr/local/bin/flinks-host /usr/local/bin/
USER 10001:10001
WORKDIR /data
VOLUME /data
ENV HOST_ADDR=0.0.0.0:4200
EXPOSE 4200
# By bash, because the image has no curl.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD bash -c 'exec 3<>"/dev/tcp/127.0.0.1/${HOST_ADDR##*:}" && printf "GET /healthz HTTP/1.0\r\n\r\n" >&3 && read -r _ status _ <&3 && [ "$status" = 200 ]'
ENTRYPOINT ["flinks-host"]
