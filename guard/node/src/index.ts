/**
 * Checks access tokens at a resource server (RFC 9068, RFC 6750), and hears of those that were ended.
 *
 * @packageDocumentation
 */

export type { Clock } from './clock.js';
export { type Figures, Guard } from './guard.js';
export type { Log } from './log.js';
export type { Needs } from './request.js';
export { Principal } from './principal.js';
export { Refusal, type RefusalCode } from './refusal.js';
export type { FeedOptions, GuardOptions, WhenBehind } from './settings.js';
