# NAME_FILE gives NAME the content of that file, as secrets of Docker, Swarm and Compose come. What is longer than any
# secret, as the certificates of SSL_CERT_FILE, would be too long for the environment.
for variable in $(export -p | sed -nE 's/^(export|declare -x) ([A-Za-z_][A-Za-z0-9_]*)_FILE=.*/\2/p'); do
  eval "file=\${${variable}_FILE} value=\${$variable:-}"
  if [ -z "$value" ] && [ -f "$file" ] && [ -r "$file" ]; then
    value="$(cat "$file")"
    if [ "${#value}" -le 65536 ]; then eval "export $variable=\"\$value\""; fi
  fi
done
unset variable file value
