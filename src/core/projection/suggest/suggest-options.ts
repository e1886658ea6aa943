/**
 * What was asked beside the document, as far as the plan on the record tells it: the options that a suggested document is run with. Pure.
 *
 *   SO1  the same rule as for the document: an option is the one that was asked, or a lower bound;
 *   SO2  what a document says itself is no option: `cellos run` refuses to be told twice.
 *
 * LIMIT: variables set with `--env` and the sources of secrets are in no record.
 */
import type { RunReport } from '../report/report-model.ts';
import type { ExecutionCellDocument } from '../../spec/document.ts';
import type { ObservedUse } from './observed-use.ts';
import { HEADROOM } from './suggest-spec.ts';

export interface SuggestedOption {
  /** `--workspace`. */
  readonly option: string;
  readonly value: string;
  readonly why: string;
}

const PROCESSES_LEAST = 16;
const KIB = 1024;

function mountOption(name: string, asked: string): SuggestedOption[] {
  const target = name.slice('mount.'.length);
  const [, kind, source] = /^(workspace|ro|rw) (.+)$/s.exec(asked) ?? [];
  if (kind === undefined || source === undefined) return [];
  const why = kind === 'ro' ? 'left: not observed, no evidence that it was not read' : kind === 'rw' ? 'left: not observed, no evidence that it was not written' : 'left: it is an overlay, and what was read there, or made and removed again, is not recorded';
  return [{ option: `--${kind}`, value: kind === 'workspace' || source === target ? source : `${source}:${target}`, why }];
}

function processesOption(asked: string, { processesPeak, unfit }: ObservedUse): SuggestedOption[] {
  const [, standard, text] = /^(default )?(\d{1,9}) processes$/.exec(asked) ?? [];
  if (text === undefined) return [];
  const limit = Number(text);
  if (unfit !== undefined || processesPeak === undefined) return standard === undefined ? [{ option: '--pids', value: text, why: `left: ${unfit ?? 'not observed, no counter of the kernel says how many there were'}` }] : [];
  const bound = Math.max(PROCESSES_LEAST, HEADROOM * processesPeak);
  if (bound < limit) return [{ option: '--pids', value: String(bound), why: `narrowed from ${text}: there were ${processesPeak} at most, and it is given ${HEADROOM} times that, at least ${PROCESSES_LEAST}` }];
  return standard === undefined ? [{ option: '--pids', value: text, why: `left: it is not more than ${HEADROOM} times what was needed` }] : [];
}

function limitOption(name: string, asked: string, { spec }: ExecutionCellDocument): SuggestedOption[] {
  const mib = name === 'limit.memory' && spec.run?.limits?.memoryMaxBytes === undefined ? /^(\d{1,9}) MiB$/.exec(asked)?.[1] : undefined;
  // The plan rounds to a MiB: half of one less is no more than what was asked.
  if (mib !== undefined) return [{ option: '--memory', value: `${Number(mib) * KIB - KIB / 2}K`, why: 'left: as far as the plan tells it' }];
  const [, quota, period] = (name === 'limit.cpu' && spec.run?.limits?.cpuMax === undefined ? /^(\d{1,12}) of every (\d{1,12}) microseconds$/.exec(asked) : null) ?? [];
  return quota === undefined || period === undefined || Number(period) === 0 ? [] : [{ option: '--cpus', value: String(Math.floor((Number(quota) / Number(period)) * 1000) / 1000), why: 'left: an average over the run says nothing of the bursts in it' }];
}

/** Is the thing that was allowed to be weaker still asked? */
function stillAsked(name: string, { spec }: ExecutionCellDocument): boolean {
  if (name === 'network.egress') return (spec.authority.egressRules ?? []).length > 0;
  if (name === 'authority.network') return spec.authority.network !== undefined;
  if (name === 'authority.filesystem') return spec.authority.filesystem !== undefined;
  const target = name.startsWith('export.target.') ? name.slice('export.target.'.length) : undefined;
  return target === undefined || (spec.export?.targets ?? []).some((one) => one.name === target);
}

/** @param suggested the document they go with [SO2] */
export function suggestedOptions({ items }: RunReport, observed: ObservedUse, suggested: ExecutionCellDocument): readonly SuggestedOption[] {
  return items.flatMap(({ name, asked, allowed }) => {
    if (allowed && stillAsked(name, suggested)) return [{ option: '--allow-downgrade', value: name, why: 'left: it is still asked, and was weaker' }];
    if (name.startsWith('mount.')) return mountOption(name, asked);
    return name === 'limit.pids' ? processesOption(asked, observed) : limitOption(name, asked, suggested);
  });
}
