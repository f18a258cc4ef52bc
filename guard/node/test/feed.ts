/** An issuer's feed of endings, as a test has it. */

import type { IncomingMessage, ServerResponse } from 'node:http';

import { type Issuer, json } from './issuer.js';

/** An event, as far as tests say of it. */
export interface Ended {
  readonly n: number;
  readonly kind: string;
  readonly id: string;
  readonly until?: number;
}

/** The feed; it says nothing in a stream but what it is told to. */
export class Feed {
  readonly options = { clientId: 'a client', clientSecret: 'a:secret/with+oddities%' };
  readonly events: Ended[] = [];
  /** What was asked, in turn: a page `after` a cursor, or a stream. */
  readonly asked: string[] = [];
  /** The stream that is read now. */
  stream: ServerResponse | undefined;
  /** Answers in the place of the feed, where it is there. */
  instead: ((response: ServerResponse) => void) | undefined;
  /** Tokens that the feed was read with, and who asked for them. */
  readonly authorizations: string[] = [];
  #tokens = 0;

  constructor(issuer: Issuer) {
    issuer.answers.set('/oauth2/revocations', (request, response) => this.#answer(request, response));
    issuer.answers.set('/token', (request, response) => {
      this.authorizations.push(request.headers.authorization ?? '');
      this.#tokens += 1;
      json(response, { access_token: `feed-${this.#tokens}` });
    });
  }

  get head(): number {
    return this.events.at(-1)?.n ?? 0;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { authorization, accept, 'last-event-id': lastEventId } = request.headers;
    const query = new URL(request.url ?? '', 'http://localhost').searchParams;
    const isStream = accept === 'text/event-stream';
    this.asked.push(isStream ? `stream after ${String(lastEventId)}` : `page after ${query.get('after')}`);
    if (this.instead !== undefined) return this.instead(response);
    if (authorization !== `Bearer feed-${this.#tokens}`) return void response.writeHead(401).end();
    if (!isStream) return this.#page(response, Number(query.get('after')));
    this.stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
    this.stream.flushHeaders();
  }

  /** A page of two at most, so that whoever reads must ask again. */
  #page(response: ServerResponse, after: number): void {
    if (after > this.head) return void response.writeHead(410).end();
    const events = this.events.filter((event) => event.n > after).slice(0, 2);
    const all = events.map((event) => ({ until: 4_102_444_800, ...event }));
    json(response, { events: all, next: String(events.at(-1)?.n ?? after), head: this.head });
  }

  /** Has the token for the feed ended. */
  forget(): void {
    this.#tokens += 1;
  }

  /** Ends something, and says so in the stream. */
  end(event: Ended): void {
    this.events.push(event);
    this.stream?.write(sse(event));
  }
}

/** An event as a stream has it. */
export function sse(event: Ended): string {
  return `id: ${event.n}\ndata: ${JSON.stringify({ until: 4_102_444_800, ...event })}\n\n`;
}
