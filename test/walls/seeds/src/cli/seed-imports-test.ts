// breaks arrows: tests-stay-out
import '../core/spec/hash.test.ts';
