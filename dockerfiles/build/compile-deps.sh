# Elixir 1.19 and later compile several at once when told to, which pays off when there are many.
if [ -z "$(find {{ build_path | shell }} -name '*.app' 2>/dev/null)" ]; then
  MIX_OS_DEPS_COMPILE_PARTITION_COUNT="$(nproc)"
  export MIX_OS_DEPS_COMPILE_PARTITION_COUNT
fi
{{ deps_compile }}
mkdir -p {{ build_path | shell }} deps
(
  cd {{ build_path | shell }}
{% if applications %}
  # Mix makes directories for the project's own applications too.
  rm -rf{% for application in applications %} ./*/lib/{{ application }}{% endfor %}

{% endif %}
  find . -path '*/lib/*/ebin/*' -type f -exec sha256sum {} + | LC_ALL=C sort >dependencies
)
{% if not clean %}

# Moved into place when it is whole, so that a build that is cut off leaves nothing half done.
rm -rf /cache/next
mkdir -p /cache/next
cp -a deps /cache/next/deps
cp -a {{ build_path | shell }} /cache/next/build
{ {{ made_by }}; } >/cache/next/made-by
cp /tmp/locked /tmp/used /cache/next/
rm -rf /cache/now
mv /cache/next /cache/now
{% endif %}
