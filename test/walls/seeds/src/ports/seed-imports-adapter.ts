// breaks compiler: TS6307
import { systemClock } from '../adapters/os/clock.ts';
export const clock = systemClock;
