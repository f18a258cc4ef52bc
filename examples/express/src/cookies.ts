import { parseCookie } from 'cookie';
import type { CookieOptions, Request, Response } from 'express';

/** A cookie that no script sees and no other site's form bears. It lasts as long as the browser does. */
export class Cookie {
  readonly #name: string;
  readonly #options: CookieOptions;

  constructor(name: string, origin: string) {
    const secure = origin.startsWith('https:');
    // Over https this prefix keeps other hosts of the domain from planting one.
    this.#name = secure ? `__Host-${name}` : name;
    this.#options = { httpOnly: true, sameSite: 'lax', path: '/', secure };
  }

  of(request: Request): string {
    return parseCookie(request.headers.cookie ?? '')[this.#name] ?? '';
  }

  set(response: Response, value: string): void {
    response.cookie(this.#name, value, this.#options);
  }

  clear(response: Response): void {
    response.clearCookie(this.#name, this.#options);
  }
}
