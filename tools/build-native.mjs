// npm run build:native: the static cell helper for this machine, compiled anew into build/native.
import { buildNative, setup } from './setup.mjs';

setup();
buildNative({ force: true });
