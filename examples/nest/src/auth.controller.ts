import { Body, Controller, Get, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Public } from 'portcullis-guard/nest';

import { Bearer } from './bearer.js';
import { Portcullis } from './portcullis.js';
import { RefreshTokenGuard } from './refresh-token.guard.js';

/**
 * The addresses of the NestJS guides. There is no table of users or of refresh tokens here, and no secret that signs:
 * Portcullis has them. The user is always taken from the token, never from a body.
 */
@Controller('auth')
export class AuthController {
  constructor(private readonly portcullis: Portcullis) {}

  @Post('login')
  @Public()
  login(@Req() request: Request, @Res() response: Response, @Body() body?: { username?: unknown; password?: unknown }) {
    // The client is ours to say; whether the others are texts, Portcullis says.
    const json = { username: body?.username, password: body?.password, client_id: this.portcullis.clientId };
    return this.portcullis.passOn(request, response, { method: 'POST', path: '/auth/login', json });
  }

  @Post('refresh')
  @Public()
  @UseGuards(RefreshTokenGuard)
  refresh(@Req() request: Request, @Res() response: Response, @Bearer() bearer: string) {
    return this.portcullis.passOn(request, response, { method: 'POST', path: '/auth/refresh', bearer });
  }

  @Post('logout')
  logout(@Req() request: Request, @Res() response: Response, @Bearer() bearer: string) {
    return this.portcullis.passOn(request, response, { method: 'POST', path: '/auth/logout', bearer });
  }

  @Get('me')
  me(@Req() request: Request, @Res() response: Response, @Bearer() bearer: string) {
    return this.portcullis.passOn(request, response, { method: 'GET', path: '/auth/me', bearer });
  }
}
