#include <erl_nif.h>
#include <expat.h>

static ERL_NIF_TERM expat_version(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) {
  return enif_make_string(env, XML_ExpatVersion(), ERL_NIF_LATIN1);
}

static ErlNifFunc functions[] = {{"expat_version", 0, expat_version}};

ERL_NIF_INIT(Elixir.Probe.Native, functions, NULL, NULL, NULL, NULL)
