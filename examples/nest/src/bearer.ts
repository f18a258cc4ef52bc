/** The token that a request bears, for those who hand it on. Whether it is any good is not said here. */

import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';

/** The bearer token (RFC 6750 §2.1); nothing where there is none, or more than one. */
export function bearerOf(request: Request): string | undefined {
  // `headers` has the first alone where there are two.
  const [header = '', another] = request.headersDistinct['authorization'] ?? [];
  const [, token] = /^bearer +([\w.~+/-]+=*)$/i.exec(header.trim()) ?? [];
  return another === undefined ? token : undefined;
}

/** The same, as a handler's parameter. */
export const Bearer = createParamDecorator((_: unknown, context: ExecutionContext) =>
  bearerOf(context.switchToHttp().getRequest<Request>()),
);
