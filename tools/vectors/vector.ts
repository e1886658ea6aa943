/** One golden vector, and what runs it. */
import type { JsonObject } from '../../src/base/json.ts';

export interface VectorCase {
  readonly name: string;
  readonly input: JsonObject;
  /** `{ok: …}` or `{error: …}`; the better result where the case has a `should`, `{error: "reject"}` when that is any refusal. */
  readonly expect: JsonObject;
  /** The whole case, for the rarer members. */
  readonly raw: JsonObject;
}

/** Throws when ours does not agree with the case, and `Skipped` when this host cannot tell. */
export interface VectorAdapter {
  (vector: VectorCase): void | Promise<void>;
  /** Cases that may be run at a time; default 1. */
  readonly atATime?: number;
}

/** What a case needs and this host has not. */
export class Skipped extends Error {}
