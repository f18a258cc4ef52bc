/** An API behind the guard, with NestJS. */

import 'reflect-metadata';

import { Controller, Get, Module } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { Guard, type Principal } from 'portcullis-guard';
import {
  CurrentPrincipal,
  GuardModule,
  Public,
  RequireAuthentication,
  RequireScope,
  TokenGuard,
} from 'portcullis-guard/nest';

import { figures, listen, setting, whenBehind } from './environment.js';

const guard = new Guard({
  audience: setting('AUDIENCE'),
  issuers: setting('ISSUER'),
  feed: { clientId: setting('CLIENT_ID'), clientSecret: setting('CLIENT_SECRET'), whenBehind },
});

@Controller()
class Api {
  @Get('me')
  me(@CurrentPrincipal() principal: Principal) {
    return { sub: principal.subject, tenant: principal.tenant ?? null };
  }

  @Get('reports')
  @RequireScope('reports.read')
  reports(@CurrentPrincipal() principal: Principal) {
    return `the reports of ${principal.subject}`;
  }

  @Get('transfer')
  @RequireAuthentication(['gold'], 300)
  transfer() {
    return 'transferred';
  }

  @Get('figures')
  @Public()
  figures() {
    return figures(guard);
  }
}

@Module({
  imports: [GuardModule.forRoot(guard)],
  controllers: [Api],
  providers: [{ provide: APP_GUARD, useExisting: TokenGuard }],
})
class App {}

const app = await NestFactory.create(App, { logger: ['error', 'warn'] });
app.enableShutdownHooks(['SIGTERM']);
const { host, port } = listen();
await app.listen(port, host);
