/**
 * How a command of a cell comes to its end: a pure step function over one state and one input at a time.
 *
 *   L1  the first reason to end is the one recorded; later ones change nothing but how fast it goes;
 *   L2  ask (SIGTERM), wait the grace time, then kill: no state skips the ask but `kill-now`;
 *   L3  `ended` is final: every input after it is ignored.
 */
import { unreachable } from '../../base/errors.ts';

/** Why the supervisor ended a command that did not end by itself. */
export type StopReason =
  | { readonly kind: 'ttl' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'cancelled'; readonly signal: string }
  | { readonly kind: 'evidence' };

const CANCEL_EXIT: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** What the command line exits with after a signal told the supervisor to stop. */
export function cancelExit(signal: string): number {
  return CANCEL_EXIT[signal] ?? 130;
}

export type EndingState =
  | { readonly phase: 'running' }
  | { readonly phase: 'stopping'; readonly reason: StopReason }
  | { readonly phase: 'killing'; readonly reason: StopReason }
  | { readonly phase: 'ended'; readonly reason?: StopReason };

export type EndingInput = { readonly kind: 'stop'; readonly reason: StopReason } | { readonly kind: 'kill-now'; readonly reason: StopReason } | { readonly kind: 'grace-over' } | { readonly kind: 'ended' };

export type EndingEffect = { readonly kind: 'terminate' } | { readonly kind: 'arm-grace' } | { readonly kind: 'kill' };

export interface EndingStep {
  readonly state: EndingState;
  readonly effects: readonly EndingEffect[];
}

const stay = (state: EndingState): EndingStep => ({ state, effects: [] });

/** One input, one answer. Total over state × input. */
export function decideEnding(state: EndingState, input: EndingInput): EndingStep {
  if (state.phase === 'ended') return stay(state); // L3
  if (input.kind === 'ended') return stay(state.phase === 'running' ? { phase: 'ended' } : { phase: 'ended', reason: state.reason });
  switch (state.phase) {
    case 'running':
      if (input.kind === 'stop') return { state: { phase: 'stopping', reason: input.reason }, effects: [{ kind: 'terminate' }, { kind: 'arm-grace' }] };
      if (input.kind === 'kill-now') return { state: { phase: 'killing', reason: input.reason }, effects: [{ kind: 'kill' }] };
      return stay(state);
    case 'stopping':
      // L1: the reason stays; a second request to stop, or the end of the grace time, only hastens it.
      if (input.kind === 'kill-now' || input.kind === 'grace-over') return { state: { phase: 'killing', reason: state.reason }, effects: [{ kind: 'kill' }] };
      return stay(state);
    case 'killing':
      return stay(state);
    default:
      return unreachable(state, 'phase');
  }
}
