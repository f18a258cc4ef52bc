/** An API of one sign-in, played by the test: it counts what is asked, and answers a refresh as it is told. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

import type { Pair } from '../client/store.js';

/** What becomes of a refresh: it is done, its answer is lost on the way, it fails, or it is refused. */
export type Fate = 'done' | 'lost' | 'cut short' | 503 | 403;

export class StubApi {
  /** The refresh tokens that came, each try of them. */
  readonly refreshes: string[] = [];
  /** What came to ordinary routes: method, path, body, status. */
  readonly asked: string[] = [];
  /** The fates of the next refreshes; done where there is none. */
  readonly fates: Fate[] = [];
  /** Which access token is good now. */
  good = 'access 0';
  /** How long a refresh takes; it begins when so many requests have had their answer. */
  refreshMs = 20;
  refreshAfter = 0;
  /** How often the pair has been made new. */
  #generation = 0;

  readonly #server = createServer((request, response) => void this.#answer(request, response));

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** The pair of now, after it has expired or before. */
  pair(): Pair {
    return { access: `access ${this.#generation}`, refresh: `refresh ${this.#generation}` };
  }

  expire(): void {
    this.good = 'none';
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
    const bearer = request.headers.authorization?.replace('Bearer ', '');
    if (request.url === '/auth/refresh') return this.#refresh(bearer ?? '', response);
    const status = request.url === '/forbidden' ? 403 : bearer === this.good ? 200 : 401;
    this.asked.push(`${request.method} ${request.url} ${body} ${status}`);
    response.writeHead(status).end(`answer to ${bearer}`);
  }

  async #refresh(bearer: string, response: ServerResponse): Promise<void> {
    this.refreshes.push(bearer);
    const fate = this.fates.shift() ?? 'done';
    while (this.asked.length < this.refreshAfter) await pause(5);
    await pause(this.refreshMs);
    if (typeof fate === 'number') return void response.writeHead(fate).end();
    // A retry of the last one gets the same again; any other old one is refused.
    if (bearer === this.pair().refresh) this.#generation += 1;
    else if (bearer !== `refresh ${this.#generation - 1}`) return void response.writeHead(403).end();
    this.good = this.pair().access;
    if (fate === 'lost') return void response.socket?.destroy();
    const { access, refresh } = this.pair();
    const text = JSON.stringify({ access_token: access, refresh_token: refresh });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
    if (fate === 'cut short') response.write(text.slice(0, 20), () => response.socket?.destroy());
    else response.end(text);
  }
}
