# Banyan in one process on SQLite, in a cluster, with Terraform or OpenTofu: the objects
# of ../kubernetes/single, with your image and address.
#
#   tofu -chdir=deploy/terraform init
#   tofu -chdir=deploy/terraform apply -var image=registry.example.org/banyan:1.0 -var public_url=https://banyan.example.org
#
# The state has no secret in it. `destroy` deletes the volume with all data, too.

terraform {
  required_version = ">= 1.6"
  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = "~> 2.35"
    }
  }
}

variable "kubeconfig" {
  type        = string
  default     = "~/.kube/config"
  description = "The cluster, and who asks it"
}

variable "namespace" {
  type        = string
  default     = "banyan"
  description = "It is made"
}

variable "image" {
  type        = string
  description = "Made from ../Containerfile, where the cluster can fetch it"
}

variable "public_url" {
  type        = string
  description = "As people's browsers see the site: behind an Ingress or Gateway of yours, which ends TLS"
  validation {
    condition     = can(regex("^https://[^/\"]+$", var.public_url))
    error_message = "Write https:// and the host."
  }
}

provider "kubernetes" {
  config_path = var.kubeconfig
}

locals {
  manifest = file("${path.module}/../kubernetes/single/banyan.yaml")
  written  = replace(replace(local.manifest, "banyan:latest", var.image), "https://banyan.example.org", var.public_url)
  objects  = { for o in [for text in split("\n---\n", local.written) : yamldecode(text)] : "${o.kind}/${o.metadata.name}" => o }
}

resource "kubernetes_namespace_v1" "banyan" {
  metadata {
    name   = var.namespace
    labels = { "pod-security.kubernetes.io/enforce" = "restricted" }
  }
}

resource "kubernetes_manifest" "banyan" {
  for_each = local.objects
  manifest = merge(each.value, { metadata = merge(each.value.metadata, { namespace = kubernetes_namespace_v1.banyan.metadata[0].name }) })
}
