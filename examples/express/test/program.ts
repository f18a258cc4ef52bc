/** The program under test, with an issuer of the test's own. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createGuard } from '../src/api.js';
import { createApp } from '../src/app.js';
import { readSettings } from '../src/settings.js';
import { Browser, type Page } from './browser.js';
import { AUDIENCE, Issuer } from './issuer.js';

export class Program {
  /** How often the API has refused a token. */
  #refusals = 0;
  #onRefusal = () => {};

  private constructor(
    readonly issuer: Issuer,
    readonly origin: string,
    readonly stop: () => Promise<void>,
  ) {}

  static async start(): Promise<Program> {
    const issuer = new Issuer();
    await issuer.start();
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const LISTEN = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const settings = readSettings({ ISSUER: issuer.address, AUDIENCE, LISTEN });
    const guard = createGuard(settings);
    const program = new Program(issuer, settings.origin, async () => {
      guard.close();
      server.close();
      server.closeAllConnections();
      await issuer.stop();
    });
    server.on('request', (_, response) => response.on('finish', () => program.#answered(response.statusCode)));
    server.on('request', createApp(settings, guard));
    return program;
  }

  #answered(status: number): void {
    if (status === 401) this.#refusals += 1;
    this.#onRefusal();
  }

  /** Waits until the API has refused so many tokens. */
  refusals(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onRefusal = () => {
        if (this.#refusals >= count) resolve();
      };
      this.#onRefusal();
    });
  }

  browser(): Browser {
    return new Browser(this.origin);
  }

  /** Begins a sign-in; the answer's address is where the issuer would send the browser back to. */
  async beginSignIn(browser: Browser): Promise<{ state: string; callback: string }> {
    const { searchParams: asked } = new URL((await browser.get('/login')).location);
    this.issuer.nonce = asked.get('nonce') ?? '';
    const state = asked.get('state') ?? '';
    return { state, callback: `/callback?${new URLSearchParams({ code: 'code', state, iss: this.issuer.address })}` };
  }

  async signIn(browser: Browser): Promise<Page> {
    const { callback } = await this.beginSignIn(browser);
    return browser.get(callback);
  }

  /** Somebody who is signed in, and whose access token has expired. */
  async withExpiredToken(): Promise<Browser> {
    const browser = this.browser();
    this.issuer.areExpired = true;
    assert.equal((await this.signIn(browser)).location, '/');
    this.issuer.areExpired = false;
    return browser;
  }
}
