/** What goes wrong and can be said to a person. */

/** Its message is shown as it stands, under the title that its status has. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly status: 400 | 403 | 404 | 503,
    text: string,
    cause?: unknown,
  ) {
    super(text, { cause });
  }
}

/** Whoever was asked did not answer: it can be asked again. */
export class Unavailable extends Problem {
  constructor(who: string, cause?: unknown) {
    super(503, `${who} cannot be reached at the moment. Try again soon.`, cause);
  }
}
