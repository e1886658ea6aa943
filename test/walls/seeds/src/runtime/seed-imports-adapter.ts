// breaks arrows: arrows-runtime
import { systemClock } from '../adapters/os/clock.ts';
export const clock = systemClock;
