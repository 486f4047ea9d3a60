#include <erl_nif.h>

static ERL_NIF_TERM twice(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {
  int number;
  if (argc != 1 || !enif_get_int(env, argv[0], &number)) return enif_make_badarg(env);
  return enif_make_int(env, 2 * number);
}

static ErlNifFunc functions[] = {{"twice", 1, twice, 0}};

ERL_NIF_INIT(Elixir.Native, functions, NULL, NULL, NULL, NULL)
