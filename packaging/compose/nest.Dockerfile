# The app of examples/nest, for compose.yaml.
FROM docker.io/library/node:22-bookworm-slim
WORKDIR /app/guard/node
COPY guard/node/ ./
RUN npm ci --no-audit --no-fund && npm run build
WORKDIR /app/examples/nest
COPY examples/nest/ ./
RUN npm ci --no-audit --no-fund && npm run build
USER node
CMD ["node", "build/src/main.js"]
