/* SPDX-License-Identifier: MIT */
#include "cli/camunda_urls.h"

#include <string.h>

#include "keyring/keys.h"

#define LABEL_MAX 63

/* Of each part of a cluster's address there must be one only. */
static void
set_part(struct vk_fields *fields, struct vk_span *part, struct vk_span value,
         const struct vk_cred_var *var)
{
    bool plain = value.len > 0 && value.len <= LABEL_MAX;

    for (size_t i = 0; i < value.len; i++)
        plain &= vk_char_plain(value.ptr[i], "-");
    if (!plain)
        vk_fields_blame(fields, var,
                        "names no cluster and region of Camunda's");
    else if (part->len > 0 && !vk_span_same_nocase(*part, value))
        vk_fields_blame(fields, var,
                        "names another cluster or region than other lines do");
    else
        *part = value;
}

/*
 * CLUSTER.REGION.zeebe.camunda.io, or REGION.zeebe.camunda.io/CLUSTER.  False
 * if the address is not one of Camunda's.
 */
static bool
locate(struct vk_fields *fields, struct vk_place *place,
       const struct vk_cred_var *var)
{
    struct vk_url url;

    if (!vk_url_parse(var->value, &url)) {
        vk_fields_blame(fields, var, "is no address");
        return false;
    }
    if (!vk_fields_ends_with(url.host, VK_CAMUNDA_CLUSTER))
        return vk_fields_ends_with(url.host, VK_CAMUNDA);
    struct vk_span region = {url.host.ptr,
                             url.host.len - strlen(VK_CAMUNDA_CLUSTER)};
    struct vk_span cluster = vk_span_cut(&region, '.');
    if (region.ptr == NULL) {
        region = cluster;
        url.path = vk_span_from(url.path, 1);
        cluster = vk_span_cut(&url.path, '/');
    }
    set_part(fields, &place->region, region, var);
    if (cluster.len > 0)
        set_part(fields, &place->cluster, cluster, var);
    return true;
}

void
vk_place_find(struct vk_fields *fields, struct vk_place *place)
{
    static const enum vk_field addresses[] = {VK_FIELD_REST, VK_FIELD_GRPC,
                                              VK_FIELD_ADDRESS};
    const struct vk_cred_var *cluster = fields->var[VK_FIELD_CLUSTER];
    const struct vk_cred_var *region = fields->var[VK_FIELD_REGION];
    bool saas = vk_span_is(vk_fields_get(fields, VK_FIELD_MODE), "saas");
    bool elsewhere = false;

    if (cluster != NULL)
        set_part(fields, &place->cluster, cluster->value, cluster);
    if (region != NULL)
        set_part(fields, &place->region, region->value, region);
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        if (fields->var[addresses[i]] != NULL)
            elsewhere |= !locate(fields, place, fields->var[addresses[i]]);
    place->saas = !elsewhere && (saas || place->cluster.len > 0);
    if (place->saas && place->cluster.len == 0)
        vk_fields_require(fields, VK_FIELD_CLUSTER);
    if (place->saas && place->region.len == 0)
        vk_fields_require(fields, VK_FIELD_REGION);
}

bool
vk_place_is_camunda(struct vk_span address)
{
    struct vk_url url;

    return address.len == 0 || (vk_url_parse(address, &url) &&
                                vk_fields_ends_with(url.host, VK_CAMUNDA));
}

/* https, or http on this machine; NULL: a token would go in the clear. */
static const char *
scheme_of(const struct vk_url *url)
{
    bool loopback = vk_url_is_loopback(url);
    bool tls = vk_span_same_nocase(url->scheme, VK_SPAN("https")) ||
               vk_span_same_nocase(url->scheme, VK_SPAN("grpcs")) ||
               (url->scheme.len == 0 && !loopback);

    return tls ? "https" : loopback ? "http" : NULL;
}

/*
 * The clusters of a region share Camunda's hosts, so an address must name
 * this cluster, as the first part of its host or of its path.  Returns what
 * the path lacks for that.
 */
static struct vk_span
missing_cluster(struct vk_fields *fields, const struct vk_place *place,
                const struct vk_url *url, const struct vk_cred_var *var)
{
    struct vk_span host = url->host, path = vk_span_from(url->path, 1);
    struct vk_span label = vk_span_cut(&host, '.');
    struct vk_span first = vk_span_cut(&path, '/');

    if (!vk_fields_ends_with(url->host, VK_CAMUNDA))
        return VK_SPAN("");
    /* api.cloud.camunda.io and modeler.camunda.io are the organisation's. */
    if (place->console != (host.len < strlen(VK_CAMUNDA) ||
                           vk_fields_ends_with(host, "cloud" VK_CAMUNDA)))
        vk_fields_blame(fields, var,
                        "is an address of the other kind of client");
    if (place->console)
        return VK_SPAN("");
    if (place->cluster.len == 0)
        vk_fields_blame(fields, var,
                        "is a cluster's, but no line names that cluster");
    else if (vk_span_same_nocase(label, place->cluster) ||
             vk_span_same(first, place->cluster))
        return VK_SPAN("");
    else if (first.len > 0)
        vk_fields_blame(fields, var,
                        "does not name the cluster that other lines name");
    return place->cluster;
}

/* In one form only, so that no URL is served twice. */
static enum vk_err
spell(struct vk_buf *out, const char *scheme, const struct vk_url *url,
      struct vk_span cluster)
{
    unsigned int usual = strcmp(scheme, "https") == 0 ? 443 : 80;
    enum vk_err err = vk_buf_addf(out, "%s://%.*s", scheme, (int)url->host.len,
                                  url->host.ptr);

    for (size_t i = 0; err == VK_OK && i < out->len; i++)
        if (out->data[i] >= 'A' && out->data[i] <= 'Z')
            out->data[i] = (char)(out->data[i] + ('a' - 'A'));
    if (err == VK_OK && url->port != 0 && url->port != usual)
        err = vk_buf_addf(out, ":%u", url->port);
    if (err == VK_OK)
        err = vk_buf_add(out, vk_fields_drop_slashes(url->path));
    if (err == VK_OK && cluster.len > 0)
        err = vk_buf_addf(out, "/%.*s", (int)cluster.len, cluster.ptr);
    return err;
}

void
vk_place_spell(struct vk_fields *fields, const struct vk_place *place,
               struct vk_span address, const struct vk_cred_var *var,
               struct vk_buf *out)
{
    struct vk_url url;

    if (!vk_url_parse(address, &url)) {
        vk_fields_blame(fields, var, "is no address");
        return;
    }
    const char *scheme = scheme_of(&url);
    if (scheme == NULL)
        return;
    struct vk_span cluster = missing_cluster(fields, place, &url, var);
    vk_fields_note(fields, spell(out, scheme, &url, cluster));
    struct vk_span text = vk_buf_span(out);
    if (fields->err == VK_OK &&
        (!vk_url_is_safe(text) || memchr(text.ptr, ',', text.len) != NULL ||
         vk_key_rows[VK_KEY_SERVES].objection(text) != NULL))
        vk_fields_blame(fields, var, "is no address");
}

void
vk_place_fill(struct vk_fields *fields, const struct vk_place *place,
              const char *form, struct vk_buf *out)
{
    for (; *form != '\0'; form++)
        vk_fields_note(fields, *form == '%'   ? vk_buf_add(out, place->region)
                               : *form == '@' ? vk_buf_add(out, place->cluster)
                                              : vk_buf_add_char(out, *form));
}

bool
vk_place_is_first(struct vk_fields *fields, struct vk_span url,
                  struct vk_buf *served)
{
    struct vk_span rest = url, scheme = vk_span_cut(&rest, ':');
    size_t had = served->len;

    vk_fields_note(fields, vk_buf_add(served, vk_span_from(url, scheme.len)));
    vk_fields_note(fields, vk_buf_add_char(served, '\n'));
    struct vk_span line = vk_span_from(vk_buf_span(served), had);
    return memmem(served->data, had, line.ptr, line.len) == NULL;
}
