/**
 * A guard for NestJS, on Express or Fastify: as `APP_GUARD`, or of a controller by `@UseGuards(TokenGuard)`.
 *
 * @packageDocumentation
 */

import {
  type ArgumentsHost,
  type CanActivate,
  Catch,
  createParamDecorator,
  type DynamicModule,
  type ExceptionFilter,
  type ExecutionContext,
  HttpException,
  Inject,
  Injectable,
  Module,
  type OnModuleDestroy,
  SetMetadata,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost, Reflector } from '@nestjs/core';

import { Guard } from './guard.js';
import { authorize, demand, type GuardedRequest, type Needs, principalOf } from './request.js';
import { Refusal } from './refusal.js';

const SCOPE = Symbol('portcullis-guard scope');
const AUTHENTICATION = Symbol('portcullis-guard authentication');
const PUBLIC = Symbol('portcullis-guard public');

/** A handler, or all of a controller, needs these scope tokens, all of them. */
export const RequireScope = (...scope: string[]) => SetMetadata<symbol, Needs>(SCOPE, { scope });

/**
 * A handler, or all of a controller, needs a user who authenticated in one of these ways, any where there are none, and
 * so many seconds ago at most (RFC 9470).
 */
export const RequireAuthentication = (acrValues: readonly string[], maxAge?: number) =>
  SetMetadata<symbol, Needs>(AUTHENTICATION, maxAge === undefined ? { acrValues } : { acrValues, maxAge });

/** A handler, or all of a controller, needs no token. What needs a scope or an authentication itself, does. */
export const Public = () => SetMetadata(PUBLIC, true);

/** Whom the request speaks for, as a handler's parameter: a `Principal`. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext) =>
  principalOf(rawRequest(context)),
);

/** Fastify's requests hold Node's; Express's are such. */
function rawRequest(host: ArgumentsHost): GuardedRequest {
  const request = host.switchToHttp().getRequest<GuardedRequest & { raw?: GuardedRequest }>();
  return request.raw ?? request;
}

/** A refusal, as Nest answers it; its headers are set by {@link TokenGuard}, or {@link RefusalFilter}. */
export class RefusalException extends HttpException {
  constructor(refusal: Refusal) {
    super(refusal.message, refusal.status, { cause: refusal });
  }
}

function setHeaders({ httpAdapter }: HttpAdapterHost, host: ArgumentsHost, refusal: Refusal): void {
  const response: unknown = host.switchToHttp().getResponse();
  for (const [name, value] of Object.entries(refusal.headers)) httpAdapter.setHeader(response, name, value);
}

/** Lets requests pass that bear a good token, with what their handlers need. */
@Injectable()
export class TokenGuard implements CanActivate {
  constructor(
    @Inject(Guard) private readonly guard: Guard,
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(HttpAdapterHost) private readonly adapter: HttpAdapterHost,
  ) {}

  /** @throws RefusalException */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') throw new TypeError('TokenGuard guards handlers of HTTP alone');
    const [handler, controller] = [context.getHandler(), context.getClass()];
    const needs = (of: typeof handler | typeof controller) =>
      [SCOPE, AUTHENTICATION].flatMap((key) => this.reflector.get<Needs | undefined>(key, of) ?? []);
    const isPublic = (of: typeof handler | typeof controller) => this.reflector.get<true | undefined>(PUBLIC, of);
    const own = needs(handler);
    if (own.length === 0 && (isPublic(handler) ?? isPublic(controller))) return true;
    try {
      const principal = await authorize(this.guard, rawRequest(context));
      for (const need of [...needs(controller), ...own]) demand(principal, need);
      return true;
    } catch (why) {
      if (!(why instanceof Refusal)) throw why;
      setHeaders(this.adapter, context, why);
      throw new RefusalException(why);
    }
  }
}

/** Answers refusals that handlers throw, such as those of `principal.require(…)`. */
@Catch(Refusal)
export class RefusalFilter implements ExceptionFilter<Refusal> {
  constructor(@Inject(HttpAdapterHost) private readonly adapter: HttpAdapterHost) {}

  catch(refusal: Refusal, host: ArgumentsHost): void {
    setHeaders(this.adapter, host, refusal);
    const answer = new RefusalException(refusal);
    this.adapter.httpAdapter.reply(host.switchToHttp().getResponse(), answer.getResponse(), answer.getStatus());
  }
}

/** Has `Guard` and {@link TokenGuard} injected wherever they are asked for. */
@Module({})
export class GuardModule implements OnModuleDestroy {
  constructor(@Inject(Guard) private readonly guard: Guard) {}

  /** With this guard, which is closed with the application. */
  static forRoot(guard: Guard): DynamicModule {
    return {
      module: GuardModule,
      global: true,
      providers: [
        { provide: Guard, useValue: guard },
        TokenGuard,
        { provide: APP_FILTER, useClass: RefusalFilter },
      ],
      exports: [Guard, TokenGuard],
    };
  }

  /** Closes the guard. */
  onModuleDestroy(): void {
    this.guard.close();
  }
}
