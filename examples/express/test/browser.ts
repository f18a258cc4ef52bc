/** What a browser does, as far as the client can tell: it keeps cookies, and follows nothing by itself here. */

export class Browser {
  readonly cookies = new Map<string, string>();
  /** The `Set-Cookie` of the last answer. */
  set: string[] = [];

  constructor(readonly origin: string) {}

  get(path: string): Promise<Page> {
    return this.#visit(path, {});
  }

  post(path: string, headers: Record<string, string> = { 'sec-fetch-site': 'same-origin' }): Promise<Page> {
    return this.#visit(path, { method: 'POST', headers });
  }

  async #visit(path: string, init: RequestInit): Promise<Page> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { cookie, ...(init.headers as Record<string, string> | undefined) };
    const answer = await fetch(`${this.origin}${path}`, { ...init, headers, redirect: 'manual' });
    this.set = answer.headers.getSetCookie();
    for (const text of this.set) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const location = answer.headers.get('location') ?? '';
    return { status: answer.status, location, text: await answer.text(), headers: answer.headers };
  }
}

export interface Page {
  readonly status: number;
  readonly location: string;
  readonly text: string;
  readonly headers: Headers;
}
