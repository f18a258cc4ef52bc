import { type CanActivate, type ExecutionContext, ForbiddenException, Injectable } from '@nestjs/common';
import type { Request } from 'express';

import { bearerOf } from './bearer.js';

/**
 * The second strategy: the bearer is a refresh token. It is good at one address alone, and only Portcullis can say
 * whether it is one: there is nothing in it to check, and no copy or hash of it is kept here.
 */
@Injectable()
export class RefreshTokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (bearerOf(context.switchToHttp().getRequest<Request>()) !== undefined) return true;
    // As Portcullis says it.
    throw new ForbiddenException({ error: 'invalid_grant', error_description: 'a refresh token is needed as bearer' });
  }
}
