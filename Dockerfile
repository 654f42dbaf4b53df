# Snapkeep in a container: any role, as SNAPKEEP_ROLES says. It writes below /var/lib/snapkeep and /tmp alone, so that the root can be read-only.
# Run it with --init (compose: init: true): a stop that hangs is ended by force, which the first process of a container cannot do to itself.
ARG NODE=node:24.21.0-bookworm-slim

FROM ${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json && rm -rf dist/bench dist/demo dist/test dist/.tsbuildinfo

FROM ${NODE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE}
ENV NODE_ENV=production SNAPKEEP_DATA_DIR=/var/lib/snapkeep SNAPKEEP_LOCAL_PATH=/var/lib/snapkeep/snapshots
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY scripts/health-check.mjs scripts/
# A new volume mounted here gets this owner.
RUN install -d -m 0700 -o 10001 -g 10001 /var/lib/snapkeep
USER 10001:10001
VOLUME /var/lib/snapkeep
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "scripts/health-check.mjs", "live"]
CMD ["node", "--disable-warning=ExperimentalWarning", "--max-semi-space-size=1", "--enable-source-maps", "dist/main.js"]
