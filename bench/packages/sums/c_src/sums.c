#include <erl_nif.h>

static ERL_NIF_TERM sum(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    ERL_NIF_TERM list = argv[0], head;
    ErlNifSInt64 value, total = 0;

    (void)argc;
    while (enif_get_list_cell(env, list, &head, &list)) {
        if (!enif_get_int64(env, head, &value)) return enif_make_badarg(env);
        total += value;
    }
    return enif_make_int64(env, total);
}

static ErlNifFunc functions[] = {{"sum", 1, sum, 0}};

ERL_NIF_INIT(Elixir.Sums, functions, NULL, NULL, NULL, NULL)
