/** An issuer of tokens, on a port of this machine, and the clock that its guards go by. */

import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Clock, Log } from 'portcullis-guard';

export const API = 'https://api.example';
export const NOW = 1_800_000_000;

/** A clock that stands still until it is set. */
export class SetClock implements Clock {
  #seconds = 0;

  now(): number {
    return NOW + this.#seconds;
  }

  monotonic(): number {
    return 5_000_000 + this.#seconds * 1000;
  }

  /** Lets so many seconds pass. */
  pass(seconds: number): void {
    this.#seconds += seconds;
  }
}

/** A log that keeps what it is told. */
export class KeptLog implements Log {
  readonly lines: string[] = [];
  readonly debug = (text: string) => void this.lines.push(`debug: ${text}`);
  readonly warn = (text: string) => void this.lines.push(`warn: ${text}`);
  readonly error = (text: string) => void this.lines.push(`error: ${text}`);
}

/** A key that signs, and its public half. */
export class Key {
  readonly jwk: Record<string, unknown>;
  readonly #secret: KeyObject;

  constructor(kid: string) {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#secret = pair.privateKey;
    this.jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' };
  }

  sign(message: string): string {
    const key = { key: this.#secret, dsaEncoding: 'ieee-p1363' as const };
    return sign('sha256', Buffer.from(message), key).toString('base64url');
  }
}

type Claims = Record<string, unknown>;
type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Answers with a JSON document. */
export function json(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

/** An issuer; what it answers may be changed at any time. */
export class Issuer {
  readonly key = new Key('one');
  /** What its key set holds. */
  keys: unknown[] = [{ kty: 'XX', kid: 'odd' }, { kty: 'oct', kid: 's', k: 'c2VjcmV0' }, this.key.jwk];
  /** The key set's `Cache-Control`. */
  cacheControl = 'max-age=300';
  /** What was asked for, in turn. */
  readonly asked: string[] = [];
  /** What answers, by path below the issuer's name. */
  readonly answers = new Map<string, Answer>([
    ['/.well-known/openid-configuration', (_, response) => json(response, this.metadata())],
    ['/jwks', (_, response) => json(response, { keys: this.keys }, { 'cache-control': this.cacheControl })],
    ['/token', (_, response) => json(response, { access_token: 'of the feed', token_type: 'Bearer' })],
  ]);
  readonly #server: Server;
  /** The address of its host. */
  readonly base: string;

  private constructor(server: Server) {
    this.#server = server;
    this.base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response));
  }

  static async start(): Promise<Issuer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Issuer(server);
  }

  get name(): string {
    return `${this.base}/acme`;
  }

  metadata(): Record<string, unknown> {
    const endpoints = { token_endpoint: `${this.name}/token`, introspection_endpoint: `${this.name}/introspect` };
    return { issuer: this.name, jwks_uri: `${this.name}/jwks`, ...endpoints };
  }

  /** How often the keys were fetched. */
  get fetches(): number {
    return this.asked.filter((path) => path === '/acme/jwks').length;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url ?? '/', this.base).pathname;
    this.asked.push(path);
    const answer = path.startsWith('/acme') ? this.answers.get(path.slice('/acme'.length)) : undefined;
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  }

  /** A token with these claims beside the usual ones, or in their place; undefined leaves one out. */
  token(changes: Claims = {}, header: Claims = {}, key = this.key): string {
    const usual = { iss: this.name, sub: 'ada', aud: API, exp: NOW + 900, iat: NOW, client_id: 'app' };
    const claims = { ...usual, jti: randomUUID(), scope: 'reports.read', ...changes };
    const message = `${part({ alg: 'ES256', typ: 'at+jwt', kid: 'one', ...header })}.${part(claims)}`;
    return `${message}.${key.sign(message)}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** Lets what is under way have its turn, for so long (ms). */
export const turn = (ms = 2) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until something is so. */
export async function until(is: () => boolean | Promise<boolean>): Promise<void> {
  const began = performance.now();
  while (!(await is())) {
    if (performance.now() - began > 5_000) throw new Error('it is still not so');
    await turn();
  }
}
